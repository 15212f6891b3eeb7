"""What can go wrong. A denied key is a decision and no error; no message holds a byte of a key."""


class WardkeyError(Exception):
    """Has a stable `code` in snake case: what a program decides by."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OptionError(WardkeyError):
    """An option that is missing or wrong, or a scope that the audience's catalog does not hold."""


class KeySetError(WardkeyError):
    """Bytes that are no key set, or one that is refused: of the administration, another audience's, or older."""


class RegistryError(WardkeyError):
    """What the registry did not give, or a list that was not taken."""


class ComponentError(WardkeyError):
    """The component did not come back: `trapped`, or `spent` ever after. Nothing is allowed by it; make another instance."""
