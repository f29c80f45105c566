"""A fine-tuned model as a plain Hugging Face directory, with a card that says how it was made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import T5ForConditionalGeneration

from dss_worker.config import ENGINE_VERSION, TrialConfig
from dss_worker.errors import WorkerError
from dss_worker.messages import Evaluation
from dss_worker.training.atomic_folder import remove_unfinished, whole_folder
from dss_worker.training.model import Weights

# All that a T5's tokenizer may be made of, the files included that a trial's plan does not name.
_TOKENIZER_FILES = (
    "spiece.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_METHODS = {
    "standard": "Trained on labels alone (the standard fine-tuning that distilling step-by-step is compared with).",
    "task_prefix": "Distilling step-by-step: one model learns to predict the label and to write the rationale, told "
    "apart by a prefix of the input.",
    "single_task": "The single-task baseline: the model writes the rationale and then the label.",
}
# Not the host's name: a card is made to be published.
_SHOWN_ENVIRONMENT = ("python", "torch", "transformers", "device_name", "threads", "plan")
_LABELS = {"gt": "the dataset's", "llm": "the teacher's"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptModel:
    """What is known of a model besides its weights."""

    config: TrialConfig
    # What its trial reports.
    final: Evaluation
    environment: Mapping[str, str]

    def write(self, model: T5ForConditionalGeneration, weights: Weights, directory: Path) -> None:
        """In place of what is there. `T5ForConditionalGeneration.from_pretrained` loads the same weights.

        Args:
            model: without an adapter.
            weights: all of its.
        Raises: WorkerError (MODEL_NOT_KEPT) if it cannot be written.
        """
        try:
            remove_unfinished(directory.parent)
            with whole_folder(directory) as folder:
                # By the names that T5's checkpoints have. Not by the model's own way of saving: its config always says
                # that the output layer is tied, and transformers 4 believes that and scales its input.
                plain = {name: each.cpu().contiguous() for name, each in weights.items()}
                save_file(plain, folder / "model.safetensors", metadata={"format": "pt"})
                _write_json(folder / "config.json", self._config(model))
                # safetensors lets nobody else read what it writes.
                shutil.copymode(folder / "config.json", folder / "model.safetensors")
                _write_json(folder / "generation_config.json", self._generation(model))
                for name in _TOKENIZER_FILES:
                    if (self.config.model.directory / name).exists():
                        shutil.copyfile(self.config.model.directory / name, folder / name)
                (folder / "README.md").write_text(self._card(), encoding="utf-8")
        except (OSError, SafetensorError) as error:
            hint = "see that there is room and that the worker may write there; the trial's checkpoints stay"
            message = f"the trained model could not be written to {directory}: {error}"
            raise WorkerError("MODEL_NOT_KEPT", message, hint=hint, kind="infrastructure") from error

    def _config(self, model: T5ForConditionalGeneration) -> dict[str, Any]:
        """The base model's own, which older and newer versions of transformers read each in their way."""
        value: dict[str, Any] = json.loads((self.config.model.directory / "config.json").read_text(encoding="utf-8"))
        value.pop("torch_dtype", None)
        return {
            **value,
            "architectures": ["T5ForConditionalGeneration"],
            # Else the weights would be rounded to what the base model's were.
            "dtype": "float32",
            "decoder_start_token_id": model.config.decoder_start_token_id,
        }

    def _generation(self, model: T5ForConditionalGeneration) -> dict[str, Any]:
        """Answers as those that were scored."""
        ids = ("decoder_start_token_id", "eos_token_id", "pad_token_id")
        return {
            **{name: getattr(model.config, name) for name in ids},
            "do_sample": False,
            "num_beams": 1,
            "max_length": self.config.settings.gen_max_len,
        }

    def _card(self) -> str:
        config, settings, final = self.config, self.config.settings, self.final
        is_selected = settings.select == "valid" and config.run.keep == "best"
        weights = f"of step {final.step}, " + ("chosen by valid accuracy" if is_selected else "the last")
        if settings.select == "valid" and config.run.keep == "last":
            weights = f"of step {settings.max_steps}, the last; the accuracies are of step {final.step}"
        rows = [
            ("test accuracy", f"{final.accuracy:.4f} of {final.rows} rows"),
            ("test loss", f"{final.loss:.4f} nats per label token"),
        ]
        if final.choice_accuracy is not None:
            rows.append(("choice accuracy", f"{final.choice_accuracy:.4f}"))
        made = [("trial", config.trial_id), ("dss engine version", str(ENGINE_VERSION))]
        made += [(name, self.environment[name]) for name in _SHOWN_ENVIRONMENT]
        facts = {name: value for name, value in asdict(settings).items() if value is not None}
        front = {
            "base_model": settings.model,
            "datasets": [settings.dataset],
            "library_name": "transformers",
            "pipeline_tag": "text2text-generation",
            "tags": ["t5", "distilling-step-by-step"],
        }
        return "\n".join(
            [
                "---",
                # JSON is YAML, and needs no rules for which texts to quote.
                *(f"{name}: {json.dumps(value)}" for name, value in front.items()),
                "---",
                "",
                f"# {settings.model} fine-tuned on {settings.dataset}",
                "",
                _METHODS[settings.model_type],
                f"Labels are {_LABELS[settings.label_type]}. {self._usage()}",
                "",
                f"The weights are those {weights}.",
                "",
                *_table("Accuracy", rows),
                *_table("Settings", [(name, json.dumps(value)) for name, value in facts.items()]),
                *_table("How it was made", made),
            ]
        )

    def _usage(self) -> str:
        if self.config.settings.model_type != "task_prefix":
            return "Inputs are given without a prefix."
        templates = self.config.dataset.templates
        predict, explain = (templates.get(name, f"{name}: ") for name in ("predict", "explain"))
        return f"Inputs that begin with `{predict}` are answered, those that begin with `{explain}` explained."


def _table(title: str, rows: list[tuple[str, str]]) -> list[str]:
    cells = [f"| {name} | {value} |" for name, value in rows]
    return [f"## {title}", "", "| | |", "|---|---|", *cells, ""]


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
