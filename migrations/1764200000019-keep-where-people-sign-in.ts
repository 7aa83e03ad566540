import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Where a person signed in, beside where the session was last used: whoever holds the token decides the
 * latter. For sessions from before, their events tell it.
 */
export class KeepWherePeopleSignIn1764200000019 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table sessions
        add column signed_in_ip inet,
        add column signed_in_user_agent text check (octet_length(signed_in_user_agent) <= 512);
      update sessions s set signed_in_ip = e.ip, signed_in_user_agent = e.user_agent
        from user_events e
        where e.user_id = s.user_id and e.object_id = s.id and e.type = 'signed_in.v1';
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      alter table sessions drop column signed_in_ip, drop column signed_in_user_agent;
    `);
  }
}
