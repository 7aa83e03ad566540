import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * People and their sessions, and the role that serves requests. The role belongs to the whole
 * server and may serve other databases of it, so `down` leaves it.
 */
export class CreateUsers1764000000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'gatehouse_app') then
          create role gatehouse_app nologin;
        end if;
      exception when duplicate_object or unique_violation then null; -- another database's migration
      end $$;
      do $$ begin
        if not pg_has_role(current_user, 'gatehouse_app', 'usage') then
          execute format('grant gatehouse_app to %I', current_user);
        end if;
      end $$;

      -- An id as src/ids.ts makes it: a prefix, then 26 characters of base 32 (128 bits).
      create function is_id(id text, prefix text) returns boolean immutable parallel safe
        return id ~ ('^' || prefix || '_[0-7][0-9a-hjkmnp-tv-z]{25}$');

      create table users (
        id                 text collate "C" primary key check (is_id(id, 'usr')),
        email              text not null unique
                             check (email = lower(email) and octet_length(email) between 3 and 254),
        name               text not null check (octet_length(name) between 1 and 255),
        password_hash      text,
        email_verified_at  timestamptz(3),
        created_at         timestamptz(3) not null
      );

      create table sessions (
        id                text collate "C" primary key check (is_id(id, 'ses')),
        user_id           text collate "C" not null references users (id),
        token_hash        bytea not null unique check (octet_length(token_hash) = 32),
        methods           text[] not null
                            check (cardinality(methods) > 0 and methods <@ array['PASSWORD']),
        authenticated_at  timestamptz(3) not null,
        ip                inet,
        user_agent        text check (octet_length(user_agent) <= 512),
        last_used_at      timestamptz(3) not null,
        expires_at        timestamptz(3) not null,
        ended_at          timestamptz(3),
        created_at        timestamptz(3) not null
      );
      create index on sessions (user_id, id);

      grant select, insert, update on users, sessions to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`drop table sessions, users; drop function is_id`);
  }
}
