import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * When the link of a sign-up was last requested, by the database's clock: the jobs of earlier requests
 * mail nothing.
 */
export class OrderMailRequests1764200000003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table one_time_tokens
        add column requested_at timestamptz(3) check (is_moment(requested_at)),
        add constraint one_time_tokens_requested_at_check1
          check (purpose = 'SIGN_UP' or requested_at is null);
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`alter table one_time_tokens drop column requested_at`);
  }
}
