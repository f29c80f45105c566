/**
 * Tables as Parquet, the way pandas and others take them without being told a type: text, whole numbers of 64 bits and
 * doubles, each of which may be absent. NaN and the infinities are doubles like others; what is absent is null.
 *
 * By hyparquet-writer (2026-11-25): pure JavaScript with one small dependency, a release about every month. parquetjs has
 * had none for years, its kept fork brings the client of S3, parquet-wasm and apache-arrow are megabytes of other things,
 * and pyarrow on the Python side is 45 MB that no training needs.
 */
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';

export type ColumnKind = 'text' | 'whole' | 'real';

export interface ParquetColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

type Value = string | number | null | undefined;
type Stored = string | number | bigint | null;

/** Rows of a group: readers take a group at a time, and no more than one is held here as JavaScript values. */
const GROUP_ROWS = 50_000;

const TYPES = { text: 'STRING', whole: 'INT64', real: 'DOUBLE' } as const satisfies Record<ColumnKind, string>;

/**
 * A table that grows by rows, and is a file in the end. Compressed by Snappy, which every reader knows.
 *
 * `add` throws TypeError for a value that is not of its column's kind.
 */
export class ParquetTable {
  readonly #columns: readonly ParquetColumn[];
  readonly #writer = new ByteWriter();
  readonly #parquet: ParquetWriter;
  /** Of the rows of a group that are not written yet, by column. */
  #data: Stored[][];
  #rows = 0;

  constructor(columns: readonly ParquetColumn[]) {
    this.#columns = columns;
    // The schema is asked of empty columns, so that no value decides about a type.
    const schema = schemaFromColumnData({ columnData: columns.map((column) => sourceOf(column, [])) });
    // Statistics are for those who skip groups of rows of far larger files.
    this.#parquet = new ParquetWriter({ writer: this.#writer, schema, createdBy: 'dss', statistics: false });
    this.#data = columns.map(() => []);
  }

  add(row: readonly Value[]): void {
    for (const [place, column] of this.#columns.entries()) this.#data[place]?.push(stored(column, row[place]));
    this.#rows += 1;
    if (this.#rows === GROUP_ROWS) this.#writeGroup();
  }

  /** The whole file; nothing can be added then. */
  bytes(): Uint8Array {
    if (this.#rows > 0) this.#writeGroup();
    void this.#parquet.finish();
    return this.#writer.getBytes();
  }

  #writeGroup(): void {
    const columnData = this.#columns.map((column, place) => sourceOf(column, this.#data[place] ?? []));
    // Into memory there is nothing to wait for: a promise comes from writers that ask for it alone.
    void this.#parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
    this.#data = this.#columns.map(() => []);
    this.#rows = 0;
  }
}

/** @throws TypeError for a value that is not of its column's kind */
export function parquetFile(columns: readonly ParquetColumn[], rows: Iterable<readonly Value[]>): Uint8Array {
  const table = new ParquetTable(columns);
  for (const row of rows) table.add(row);
  return table.bytes();
}

function sourceOf({ name, kind }: ParquetColumn, data: Stored[]): ColumnSource {
  return { name, data, type: TYPES[kind], nullable: true };
}

function stored({ name, kind }: ParquetColumn, value: Value): Stored {
  if (value === null || value === undefined) return null;
  if (kind === 'text') return String(value);
  if (typeof value !== 'number') throw new TypeError(`column ${name}: expected a number, got ${JSON.stringify(value)}`);
  if (kind === 'real') return value;
  if (!Number.isSafeInteger(value)) throw new TypeError(`column ${name}: expected a whole number, got ${value}`);
  return BigInt(value);
}
