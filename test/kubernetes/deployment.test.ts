import { Deployment } from './deployment.js';
import { runsEachTrialInItsOwnPod, runsTwelveTrialsAsHere } from './twelve-trials.js';

describe('a deployment of k8s/', () => {
  let deployment: Deployment;

  before(async function () {
    deployment = await Deployment.start(this);
  });

  after(() => deployment?.remove());

  it('runs a sweep that is submitted from outside in two pools, to the results that it has on this machine', () =>
    runsTwelveTrialsAsHere(deployment));

  it('runs each trial in a pod of its own where that is asked for, and leaves none', () =>
    runsEachTrialInItsOwnPod(deployment));
});
