/** Lines of CSV by RFC 4180, without their ends. */

export type CsvField = string | number | bigint | null | undefined;

/** An absent value is an empty field. */
export function csvLine(fields: readonly CsvField[]): string {
  return fields
    .map((field) => {
      const text = field === null || field === undefined ? '' : String(field);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}
