/** What an MLflow server has already, where nobody here knows. */
import type { MlflowRest } from './rest.js';
import type { SentPoints } from './sent-store.js';

interface Page {
  readonly next_page_token?: string;
}

/** Runs of a sweep that dss made, by the id of their trial or cell. */
export async function findRuns(
  rest: MlflowRest,
  experimentId: string,
  sweep: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let token = '';
  do {
    const page = (await rest.post('runs/search', {
      experiment_ids: [experimentId],
      filter: `tags.\`dss.sweep\` = '${sweep}'`,
      max_results: 1_000,
      ...(token === '' ? {} : { page_token: token }),
    })) as Page & {
      runs?: readonly { info: { run_id: string }; data: { tags?: readonly { key: string; value: string }[] } }[];
    };
    for (const { info, data } of page.runs ?? []) {
      const id = data.tags?.find(({ key }) => key === 'dss.key')?.value;
      if (id !== undefined) found.set(id, info.run_id);
    }
    token = page.next_page_token ?? '';
  } while (token !== '');
  return found;
}

/** Every point of a run. */
export async function historyOf(rest: MlflowRest, runId: string): Promise<SentPoints> {
  const { run } = (await rest.get('runs/get', { run_id: runId })) as {
    run: { data: { metrics?: readonly { key: string }[] } };
  };
  const points: SentPoints = new Map();
  for (const { key } of run.data.metrics ?? []) points.set(key, await valuesOf(rest, runId, key));
  return points;
}

async function valuesOf(rest: MlflowRest, runId: string, key: string): Promise<Map<number, number>> {
  const values = new Map<number, number>();
  let token = '';
  do {
    const page = (await rest.get('metrics/get-history', {
      run_id: runId,
      metric_key: key,
      max_results: '1000',
      ...(token === '' ? {} : { page_token: token }),
    })) as Page & { metrics?: readonly { value: number | string; step?: number | string }[] };
    // Whole numbers of 64 bits come as text, and a zero not at all.
    for (const { value, step } of page.metrics ?? []) values.set(Number(step ?? 0), Number(value ?? 0));
    token = page.next_page_token ?? '';
  } while (token !== '');
  return values;
}
