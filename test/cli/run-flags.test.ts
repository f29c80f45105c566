import assert from 'node:assert/strict';
import { type SettingFlags, specOfFlags } from '../../orchestrator/cli/run/run-flags.js';
import { countCells } from '../../orchestrator/core/sweep/grid.js';

const FLAGS: SettingFlags = { from_pretrained: 'm', dataset: 'cqa', run: 0 };

describe('the flags of dss run', () => {
  it('are a sweep of one cell', () => {
    const spec = specOfFlags({ ...FLAGS, run: 3, model_type: 'standard', bf16: true, batch_size: 8 }, 'one');
    const { seed, model_type, precision, batch_size } = spec.axes;
    assert.equal(countCells(spec), 1n);
    assert.deepEqual([spec.sweep, seed, model_type, precision, batch_size], ['one', [3], ['standard'], ['bf16'], [8]]);
  });

  it('say how the trial is run and what is kept of it', () => {
    const flags = { output_rationale: true, keep: 'best', checkpoint_steps: 50, gradient_checkpointing: 'on' };
    const { axes } = specOfFlags({ ...FLAGS, ...flags, adapter: 'lora', lora_rank: 8 }, 'one');
    assert.deepEqual(
      [axes.output_rationale, axes.keep, axes.checkpoint_steps, axes.gradient_checkpointing, axes.lora_rank],
      [[true], ['best'], [50], ['on'], [8]],
    );
  });

  const mistakes: readonly [Partial<SettingFlags>, string, RegExp][] = [
    [{ lr: -1 }, 'one', /^--lr: expected a number above 0, got -1$/],
    [{ from_pretrained: '' }, 'one', /^--from_pretrained: expected a hub name or a directory, got ""$/],
    [{ dataset: '../x' }, 'one', /^--dataset: expected the name of a folder/],
    [{ run: -1 }, 'one', /^--run: expected a whole number/],
    [{ model_type: 'x' }, 'one', /^--model_type: expected standard or task_prefix or single_task, got "x"$/],
    [{ keep: 'all' }, 'one', /^--keep: expected none or last or best, got "all"$/],
    [{ compile: 'yes' }, 'one', /^--compile: expected auto or on or off, got "yes"$/],
    [{ bf16: true, precision: 'fp32' }, 'one', /^--bf16: bf16 and precision say the same$/],
    [{}, 'No Name', /^--name: expected a name/],
    [{ lr: 0, alpha: 2 }, 'one', /^--(alpha|lr): .*\n--(alpha|lr): .*$/],
  ];
  for (const [flags, name, message] of mistakes) {
    it(`are answered by their own names when a value is wrong: ${JSON.stringify(flags)} ${name}`, () => {
      assert.throws(() => specOfFlags({ ...FLAGS, ...flags }, name), { code: 'USAGE', message });
    });
  }
});
