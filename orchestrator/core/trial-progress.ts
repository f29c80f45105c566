/** How far an attempt is, as its worker said a moment ago. */
export interface TrialProgress {
  readonly trialId: string;
  /** 0: it has not said. */
  readonly step: number;
  readonly maxSteps: number;
  readonly loss: number;
  readonly examplesPerSecond: number;
  /** Empty: it has not said. */
  readonly phase: string;
}
