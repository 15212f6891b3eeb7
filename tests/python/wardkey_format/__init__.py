"""Wardkey formats, version 1: a second implementation, written from FORMAT.md alone.

One module a concept; read them in this order:

    numbers    u8 u16 u32 u64 var, and a reader of bytes           (section 1)
    spelling   base64url in its one spelling, CRC-32, tags         (1, 2.5, 2.6)
    prefix     brand_env_                                          (2.1)
    scope_set  sets of scope numbers                               (2.2, 2.3)
    networks   CIDR entries and callers' addresses                 (2.3, 5)
    fields     type, length, value                                 (2.3)
    key        base, blocks, reading                               (2.2, 2.4, 2.7)
    minting    composing a key                                     (2.8)
    narrowing  appending a block                                   (2.8)
    catalog    the scopes a key set names                          (3)
    key_set    what a verifier holds                               (3)
    state      the dead and the living                             (4.1)
    changes    what mutations did to the state                     (4.3)
    head       the signed summary of a state                       (4.2, 4.4)
    adopting   taking a head over                                  (4.5)
    requirement  what a host asks for                              (5)
    deciding   the table                                           (5)
    http       the statuses                                        (5)
    scanning   finding keys in text                                (6)
    cases      what the values of a JSON case stand for
    answer     JSON cases in, answers out
    vectors    files of cases with the answers expected
    mutants    many mutated keys, and what another implementation decided
"""
