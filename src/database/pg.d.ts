/** What `pg` exports without types. */
declare module "pg/lib/utils" {
  /** A parameter's value as PostgreSQL reads it. */
  export function prepareValue(value: unknown): Buffer | string | null;
}
