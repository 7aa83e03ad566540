import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Who people are at GitHub and Google (U8), and those on their way there and back. The way is no
 * one-time token of a mail: a browser holds it, nobody's email is in it, and its row is of no user
 * while somebody signs in.
 */
export class CreateIdentities1764000000009 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table identities (
        id            text collate "C" primary key check (is_id(id, 'idn')),
        user_id       text collate "C" not null references users (id),
        provider      text not null check (provider in ('GITHUB', 'GOOGLE')),
        subject       text not null check (octet_length(subject) between 1 and 255),
        email         text check (octet_length(email) between 3 and 254),
        last_used_at  timestamptz(3) check (is_moment(last_used_at)),
        created_at    timestamptz(3) not null check (is_moment(created_at)),
        unique (provider, subject)
      );
      create index on identities (user_id, id);

      create table social_flows (
        -- Of the secret in the browser's cookie; all else that protects the way is made of that.
        secret_hash  bytea primary key check (octet_length(secret_hash) = 32),
        provider     text not null check (provider in ('GITHUB', 'GOOGLE')),
        return_to    text not null check (octet_length(return_to) between 1 and 1024),
        -- Of who links an identity to themselves; null where somebody signs in.
        session_id   text collate "C" references sessions (id) on delete cascade,
        expires_at   timestamptz(3) not null check (is_moment(expires_at)),
        used_at      timestamptz(3) check (is_moment(used_at)),
        created_at   timestamptz(3) not null check (is_moment(created_at))
      );
      create index on social_flows (session_id);
      create index on social_flows (expires_at);

      grant select, insert, update, delete on identities, social_flows to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table social_flows, identities`);
  }
}
