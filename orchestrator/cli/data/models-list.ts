/** What `dss models list` prints. */
import { listImportedModels } from '../../sources/imported-models.js';
import { resolveHome } from '../environment.js';
import { print, printJson } from '../output.js';
import { renderTable } from '../table.js';

export interface ListFlags {
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function listModels({ home: homeFlag, json }: ListFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const models = await listImportedModels(home);
  if (json) printJson(models.map(({ directory, record }) => ({ directory, ...record })));
  else if (models.length === 0) print(`no model was imported into ${home}; \`dss models import NAME\` does it`);
  else {
    print(
      renderTable({
        columns: [
          { title: 'model', align: 'left' },
          { title: 'parameters', align: 'right' },
          { title: 'stored as', align: 'left' },
          { title: 'commit', align: 'left' },
          { title: 'directory', align: 'left' },
        ],
        rows: models.map(({ directory, record }) => [
          record.name ?? '',
          parameterCount(record.parameters),
          record.dtypes.join(', '),
          record.revision?.slice(0, 8) ?? '',
          directory,
        ]),
      }),
    );
  }
  return 0;
}

/** 247577856: 247.6M. */
export function parameterCount(count: number): string {
  return count < 1e6 ? count.toLocaleString('en') : `${(count / 1e6).toFixed(1)}M`;
}
