/** A launcher that starts nothing: the test speaks for its workers, and sees what it was told. */
import type { Demand } from '../../orchestrator/core/schedule/demand.js';
import type { PlaceName } from '../../orchestrator/core/sweep/place.js';
import type { LaunchContext, LaunchedWorker, Launcher } from '../../orchestrator/launchers/launcher.js';

export class ScriptedLauncher implements Launcher {
  readonly place: PlaceName;
  readonly workersSurvive: boolean;
  readonly calls: string[] = [];
  context: LaunchContext | null = null;
  /** What it was told last. */
  demands: readonly Demand[] = [];
  #heard: () => void = () => {};

  constructor({ place = 'local', workersSurvive = false }: { place?: PlaceName; workersSurvive?: boolean } = {}) {
    this.place = place;
    this.workersSurvive = workersSurvive;
  }

  check(): void {}

  open(context: LaunchContext): void {
    this.context = context;
  }

  async want(demands: readonly Demand[]): Promise<void> {
    this.calls.push(`want ${demands.reduce((sum, { waiting, running }) => sum + waiting + running, 0)}`);
    this.demands = demands;
    this.#heard();
  }

  /** Resolves when what it was told last is so. */
  async told(isSo: (demands: readonly Demand[]) => boolean): Promise<readonly Demand[]> {
    while (!isSo(this.demands)) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    return this.demands;
  }

  async list(): Promise<readonly LaunchedWorker[]> {
    return [];
  }

  drain(): void {
    this.calls.push('drain');
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }
}
