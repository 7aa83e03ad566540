/** What `pg` exports without types. */
declare module "pg/lib/utils" {
  /** A parameter's value as PostgreSQL reads it. */
  export function prepareValue(value: unknown): Buffer | string | null;
}
declare module "pg/lib/result" {
  /** The answer to a statement as it comes in. */
  export default class Result {
    constructor(rowMode: undefined, types: unknown);
    readonly rows: object[];
    readonly command: string;
    addFields(fields: unknown[]): void;
    parseRow(fields: (string | null)[]): object;
    addRow(row: object): void;
    addCommandComplete(message: { text: string }): void;
  }
}
