import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * What happened, in accounts and to users. Rows go in and stay as they are: the serving role
 * may neither update nor delete, and the trigger holds even for the tables' owner.
 *
 * Partitioned by id, whose first half is time, so that old months can be dropped whole.
 * `npm run migrate` adds partitions for the year ahead; the default one catches the rest.
 */
export class CreateEvents1764000000004 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    const columns = `
        type               text not null check (type ~ '^[a-z_]+[.]v[1-9][0-9]*$'),
        occurred_at        timestamptz(3) not null,
        principal_kind     text not null
                             check (principal_kind in ('USER', 'SERVICE_USER', 'SYSTEM')),
        principal_id       text collate "C" not null,
        principal_subject  text not null,
        surface            text check (surface in ('DASHBOARD', 'API', 'AGENT', 'SCIM')),
        credential_id      text collate "C",
        session_id         text collate "C",
        object_id          text collate "C" not null,
        object             jsonb not null check (jsonb_typeof(object) = 'object'),
        changes            jsonb not null check (jsonb_typeof(changes) = 'object'),
        decision           jsonb not null check (jsonb_typeof(decision) = 'object'),
        ip                 inet,
        user_agent         text,
        request_id         text`;
    await db.query(`
      create table events (
        account_id  text collate "C" not null references accounts (id),
        id          text collate "C" not null check (is_id(id, 'ev')),
        ${columns},
        primary key (account_id, id)
      ) partition by range (id);
      create table events_default partition of events default;
      create index on events (account_id, principal_id, id);
      create index on events (account_id, object_id, id);
      create index on events (account_id, type, id);

      create table user_events (
        user_id  text collate "C" not null references users (id),
        id       text collate "C" not null check (is_id(id, 'ev')),
        ${columns},
        primary key (user_id, id)
      ) partition by range (id);
      create table user_events_default partition of user_events default;

      create function refuse_rewriting() returns trigger language plpgsql as $$
        begin
          raise exception '% is append-only', tg_table_name
            using errcode = 'integrity_constraint_violation';
        end $$;
      create trigger append_only before update or delete on events
        for each row execute function refuse_rewriting();
      create trigger append_only before update or delete on user_events
        for each row execute function refuse_rewriting();
      create trigger no_truncate before truncate on events
        for each statement execute function refuse_rewriting();
      create trigger no_truncate before truncate on events_default
        for each statement execute function refuse_rewriting();
      create trigger no_truncate before truncate on user_events
        for each statement execute function refuse_rewriting();
      create trigger no_truncate before truncate on user_events_default
        for each statement execute function refuse_rewriting();

      -- How often somebody was refused the same thing since it last became an event (E1).
      create table refusals (
        stream_id     text collate "C" not null,
        principal_id  text collate "C" not null,
        what          text not null,
        recorded_at   timestamptz(3) not null,
        unrecorded    integer not null,
        recorded      integer not null,
        primary key (stream_id, principal_id, what)
      );

      grant select, insert on events, user_events to gatehouse_app;
      grant select, insert, update on refusals to gatehouse_app;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      drop table refusals, user_events, events;
      drop function refuse_rewriting;
    `);
  }
}
