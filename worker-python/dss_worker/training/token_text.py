"""What each token adds to a decoded text, so that a text can be watched while it grows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from tokenizers import Tokenizer, decoders
from transformers import PreTrainedTokenizerBase


class TokenText:
    """A tokenizer's decoding, special tokens left out, one token at a time.

    Joined, what `of` gives for the tokens of a text is what `tokenizer.decode(tokens, skip_special_tokens=True)`
    gives for all of them.
    """

    def __init__(self, tokenizer: Tokenizer, first: Callable[[str], str], later: Callable[[str], str]) -> None:
        self._tokenizer = tokenizer
        self._first = first
        self._later = later
        self._special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        self._kept: dict[tuple[int, bool], str | None] = {}

    @classmethod
    def made_for(cls, tokenizer: PreTrainedTokenizerBase) -> TokenText | None:
        """None for a tokenizer whose tokens are not known to decode one by one.

        Those of T5 do: `▁` is a space, and none at the beginning. Tokenizers of bytes, or with a clean-up after
        decoding, do not: there, what follows decides what a token becomes.
        """
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer) or tokenizer.clean_up_tokenization_spaces:
            return None
        decoder = backend.decoder
        if decoder is None:
            return cls(backend, first=lambda token: token, later=lambda token: f" {token}")
        if isinstance(decoder, decoders.Metaspace):
            mark, begins = decoder.replacement, "" if decoder.prepend_scheme != "never" else " "
            return cls(
                backend,
                first=lambda token: token.replace(mark, begins),
                later=lambda token: token.replace(mark, " "),
            )
        return None

    @cached_property
    def most_closed(self) -> int:
        """Closing parentheses in the token that has the most of them."""
        return max(written.count(")") for written in self._tokenizer.get_vocab())

    def of(self, token: int, *, is_first: bool) -> str | None:
        """The token's part of the text; None for one that is left out: special, or not the tokenizer's.

        Args:
            is_first: no token before it is in the text. One that is there with an empty part is.
        """
        key = (token, is_first)
        if key not in self._kept:
            written = None if token in self._special else self._tokenizer.id_to_token(token)
            self._kept[key] = written and (self._first if is_first else self._later)(written)
        return self._kept[key]
