"""What a training process keeps from one trial to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import ModelSource, TrialConfig
from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.datasets import load_splits, row_table_cache
from dss_worker.data.encode import EncodedSplit, encode_split
from dss_worker.data.token_cache import TokenCache
from dss_worker.training.evaluate import Evaluator
from dss_worker.training.micro_batches import MicroBatchPlan, plan_micro_batches
from dss_worker.training.model import Weights, copy_weights, load_model, load_tokenizer, restore_weights

# Tokenizers are small, but a process may meet many models in a long life.
MAX_TOKENIZERS = 8
# A valid and a test split for some datasets; each holds on to its tokens.
MAX_EVALUATORS = 8
# A larger model is loaded anew for each trial: its weights are in memory once more here.
MAX_PRISTINE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSplits:
    train: EncodedSplit
    valid: EncodedSplit
    test: EncodedSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class _WarmModel:
    """A model that trials change, and its weights as they were before the first of them."""

    key: str
    model: T5ForConditionalGeneration
    pristine: Weights


class WarmCache:
    """Tokenizers, rows, tokens and a model, by the content of the files they come from.

    A trial after another must equal the same trial in a fresh process. So nothing that a trial changes is kept,
    except for the model: its next trial gets the same object with its first weights written over the last ones.
    Whatever else a trial may do to it (an adapter) keeps it out of here.
    """

    def __init__(self, *, sharers: int = 1) -> None:
        """`sharers`: processes that train on the device at the same time, this one included."""
        self._sharers = sharers
        self._tokenizers = BoundedCache[PreTrainedTokenizerBase](limit=MAX_TOKENIZERS, size_of=lambda _: 1)
        self._evaluators = BoundedCache[Evaluator](limit=MAX_EVALUATORS, size_of=lambda _: 1)
        self._tokens = TokenCache.from_environment()
        self._rows = row_table_cache()
        self._model: _WarmModel | None = None
        # By model and shape of the batches: smaller ones than planned, for want of memory.
        self._plans: dict[str, MicroBatchPlan] = {}

    def tokenizer(self, source: ModelSource) -> PreTrainedTokenizerBase:
        """Raises: WorkerError (MODEL_INVALID)."""
        return self._tokenizers.get(_content_key(source), lambda: load_tokenizer(source))

    def model(self, config: TrialConfig, *, device: torch.device) -> T5ForConditionalGeneration:
        """As `load_model` gives it, for one trial; the model given before is no trial's any more.

        Raises: WorkerError (MODEL_INVALID).
        """
        settings = config.settings
        drawn = f"random {settings.seed}" if settings.init == "random" else settings.init
        key = f"{_content_key(config.model)}\n{device} {settings.dropout} {drawn}"
        warm = self._model
        if warm is not None and warm.key == key and settings.adapter == "none":
            restore_weights(warm.model, warm.pristine)
            warm.model.zero_grad(set_to_none=True)
            warm.model.train()
            return warm.model
        # First: there may be no room for two.
        self._model = warm = None
        model = load_model(config.model, settings, device=device)
        size_bytes = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        if settings.adapter == "none" and size_bytes <= MAX_PRISTINE_BYTES:
            self._model = _WarmModel(key=key, model=model, pristine=copy_weights(model))
        return model

    def has_pristine(self, model: T5ForConditionalGeneration) -> bool:
        """Whether its first weights stay for the next trial."""
        return self._model is not None and self._model.model is model

    def plan(self, config: TrialConfig, model: T5ForConditionalGeneration) -> MicroBatchPlan:
        """How steps are split; on a GPU as an earlier trial of the same shape had to, if it ran out of memory."""
        planned = plan_micro_batches(
            config.settings, config.run, config=model.config, device=model.device, sharers=self._sharers
        )
        return self._plans.get(_shape_key(config), planned)

    def keep_plan(self, config: TrialConfig, plan: MicroBatchPlan, *, device: torch.device) -> None:
        """On a GPU only: on a CPU, where a result is a function of the settings, no trial may depend on another."""
        if device.type == "cuda":
            self._plans[_shape_key(config)] = plan

    def drop_gradients(self) -> None:
        """Between trials: as much memory as the weights have, and the next trial makes its own. Where others train on
        the GPU too, the weights go as well: nobody counts what an idle process has there."""
        if self._model is None:
            return
        if self._sharers > 1 and self._model.model.device.type == "cuda":
            self._model = None
        else:
            self._model.model.zero_grad(set_to_none=True)

    def encoded_splits(
        self, config: TrialConfig, tokenizer: PreTrainedTokenizerBase, *, between: Callable[[], None] = lambda: None
    ) -> EncodedSplits:
        """The trial's splits; only the training split has rationales to learn from.

        Args:
            between: called before each split; may raise to end it all.
        Raises: DataError for files or rows that cannot be trained on.
        """
        splits = load_splits(config.dataset, config.settings, tables=self._rows)
        encoded = []
        for split in (splits.train, splits.valid, splits.test):
            between()
            encoded.append(
                encode_split(
                    split,
                    tokenizer,
                    settings=config.settings,
                    metric=config.dataset.metric,
                    templates=config.dataset.templates,
                    with_rationale=split is splits.train and config.settings.needs_rationales,
                    with_choices=split is splits.test,
                    with_explain_inputs=split is splits.test and config.run.output_rationale,
                    cache=self._tokens,
                    tokenizer_files=config.model.files,
                )
            )
        return EncodedSplits(train=encoded[0], valid=encoded[1], test=encoded[2])

    def evaluator(self, split: EncodedSplit, tokenizer: PreTrainedTokenizerBase, config: TrialConfig) -> Evaluator:
        """Evaluators decode what they compare with, once: they keep nothing of the models that they score."""
        settings = config.settings
        # An evaluator holds on to the objects that it was made for, so that no other is ever found at their place.
        objects = (split.predict.inputs, split.predict.targets, tokenizer, split.choices)
        values = (config.dataset.metric, settings.batch_size, settings.gen_max_len, settings.model_type)
        key = repr((*map(id, objects), *values))
        return self._evaluators.get(
            key,
            lambda: Evaluator(
                split.predict,
                tokenizer=tokenizer,
                metric=config.dataset.metric,
                batch_size=settings.batch_size,
                gen_max_len=settings.gen_max_len,
                model_type=settings.model_type,
                choices=split.choices,
            ),
        )


def _shape_key(config: TrialConfig) -> str:
    settings, run = config.settings, config.run
    data = sorted(file.sha256 for file in config.dataset.files if file.role in ("train", "teacher"))
    shape = (settings.batch_size, settings.max_input_length, settings.precision, settings.model_type, settings.alpha)
    trained = (settings.optimizer, settings.adapter, settings.lora_rank)
    asked = (run.micro_batches, run.compile, run.gradient_checkpointing)
    return repr((_content_key(config.model), data, shape, trained, asked))


def _content_key(source: ModelSource) -> str:
    # The directory too: files that only the tokenizer loads, such as an added token's, are not in the plan.
    return "\n".join([str(source.directory), *(f"{file.path} {file.sha256}" for file in source.files)])
