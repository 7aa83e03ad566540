import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * What works once, and for a while: the links in mails. Each is used up by one guarded update.
 * A sign-up that nobody confirmed is a row here and no user yet.
 */
export class CreateOneTimeTokens1764000000007 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table one_time_tokens (
        id             text collate "C" primary key check (is_id(id, 'ott')),
        purpose        text not null
                         check (purpose in ('SIGN_UP', 'UPDATE_EMAIL', 'RESET_PASSWORD')),
        user_id        text collate "C" references users (id) on delete cascade,
        -- Whom it was mailed to, or is to be.
        email          text not null
                         check (email = lower(email) and octet_length(email) between 3 and 254),
        name           text check (octet_length(name) between 1 and 255),
        password_hash  text,
        -- Null until it is mailed: the token is made as the mail is written, and is nowhere else.
        token_hash     bytea unique check (octet_length(token_hash) = 32),
        expires_at     timestamptz(3) not null check (is_moment(expires_at)),
        used_at        timestamptz(3) check (is_moment(used_at)),
        created_at     timestamptz(3) not null check (is_moment(created_at)),
        check ((purpose = 'SIGN_UP') = (user_id is null)),
        check ((purpose = 'SIGN_UP') = (num_nonnulls(name, password_hash) = 2))
      );
      create index on one_time_tokens (user_id);
      create index on one_time_tokens (email);
      create index on one_time_tokens (expires_at);

      grant select, insert, update, delete on one_time_tokens to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table one_time_tokens`);
  }
}
