"""The text of a key, kept out of whatever prints values: logs, reprs, tracebacks with their locals."""


class KeyText:
    """Holds a key's text; only `secret_text` gives it back."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        # What no key can be is kept as no text: an encoder would put the rest of it into its complaint.
        self._text = text if text.isascii() and len(text) <= MOST_CHARACTERS else ""

    def secret_text(self) -> str:
        """The key. Whoever takes it keeps it out of locals that outlive an error."""
        return self._text

    def __repr__(self) -> str:
        return "[redacted]"

    __str__ = __repr__


MOST_CHARACTERS = 512
