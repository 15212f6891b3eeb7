import macaroons from "macaroons.js";
import { ASKED } from "../claims.mjs";

const { MacaroonsBuilder, MacaroonsVerifier, verifier } = macaroons;

export default {
  id: "peer.macaroons",
  what: "macaroons.js, three caveats: subject, scopes, time",
  package: "macaroons.js",
  prepare({ good, expired, unscoped }, secret) {
    const key = secret();
    const made = ({ sub, jti, scopes, exp }, by = key) =>
      new MacaroonsBuilder("wardkey", by, jti)
        .add_first_party_caveat(`sub = ${sub}`)
        .add_first_party_caveat(`scope = ${scopes.join(" ")}`)
        .add_first_party_caveat(`time < ${new Date(exp * 1000).toISOString()}`)
        .getMacaroon()
        .serialize();
    return {
      tokens: good.map((claims) => made(claims)),
      refused: { forged: made(good[0], secret()), expired: made(expired), unscoped: made(unscoped) },
      verify(token) {
        const macaroon = MacaroonsBuilder.deserialize(token);
        let sub;
        const checked = new MacaroonsVerifier(macaroon)
          .satisfyGeneral((caveat) => {
            if (!caveat.startsWith("sub = ")) return false;
            sub = caveat.slice("sub = ".length);
            return true;
          })
          .satisfyGeneral(
            (caveat) => caveat.startsWith("scope = ") && caveat.slice("scope = ".length).split(" ").includes(ASKED),
          )
          .satisfyGeneral(verifier.TimestampCaveatVerifier);
        return checked.isValid(key) ? { sub, jti: macaroon.identifier } : undefined;
      },
    };
  },
};
