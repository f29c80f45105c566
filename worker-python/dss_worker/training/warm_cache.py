"""What a training process keeps from one trial to the next."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dss_worker.config import ModelSource, TrialConfig
from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.datasets import load_splits, row_table_cache
from dss_worker.data.encode import EncodedSplit, encode_split
from dss_worker.data.tokens import TokenTable
from dss_worker.training.model import load_tokenizer

# Tokenizers are small, but a process may meet many models in a long life.
MAX_TOKENIZERS = 8
MAX_TOKEN_BYTES = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSplits:
    train: EncodedSplit
    valid: EncodedSplit
    test: EncodedSplit


class WarmCache:
    """Tokenizers, rows and token tables, by the content of the files they come from.

    Nothing that a trial changes is kept: a trial after another must equal the same trial in a fresh process. Models
    are therefore loaded anew.
    """

    def __init__(self) -> None:
        self._tokenizers = BoundedCache[PreTrainedTokenizerBase](limit=MAX_TOKENIZERS, size_of=lambda _: 1)
        self._tokens = BoundedCache[TokenTable](limit=MAX_TOKEN_BYTES, size_of=lambda table: table.size_bytes)
        self._rows = row_table_cache()

    def tokenizer(self, source: ModelSource) -> PreTrainedTokenizerBase:
        """Raises: WorkerError (MODEL_INVALID)."""
        # The directory too: files that only this loads, such as an added token's, are not in the plan.
        key = [str(source.directory), *(f"{file.path} {file.sha256}" for file in source.files)]
        return self._tokenizers.get("\n".join(key), lambda: load_tokenizer(source))

    def encoded_splits(self, config: TrialConfig, tokenizer: PreTrainedTokenizerBase) -> EncodedSplits:
        """The trial's splits; only the training split has rationales to learn from.

        Raises: DataError for files or rows that cannot be trained on.
        """
        splits = load_splits(config.dataset, config.settings, tables=self._rows)
        train, valid, test = (
            encode_split(
                split,
                tokenizer,
                settings=config.settings,
                templates=config.dataset.templates,
                with_rationale=split is splits.train and config.settings.needs_rationales,
                cache=self._tokens,
                tokenizer_files=config.model.files,
            )
            for split in (splits.train, splits.valid, splits.test)
        )
        return EncodedSplits(train=train, valid=valid, test=test)
