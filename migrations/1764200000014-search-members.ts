import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * What members are searched by, for each account by itself: what other accounts have neither slows
 * a search down nor shows in its time.
 *
 * The index has every piece of two and three characters of a name and an email, hashed with the
 * account. Its table has no other index that begins with the account: the planner, which takes all
 * accounts for average ones, would read a large one by it.
 */
export class SearchMembers1764200000014 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      -- Of an earlier way to search.
      drop function if exists users_matching;
      drop index if exists users_search_idx;

      create table member_searches (
        id          text collate "C" not null check (is_id(id, 'mem')),
        account_id  text collate "C" not null,
        text        text not null,
        primary key (id, account_id) include (text),
        foreign key (account_id, id) references memberships (account_id, id)
      );
      grant select on member_searches to gatehouse_app;

      -- Those of exactly three characters, or of two as well.
      create function search_pieces(account text, text text, shortest int) returns bigint[]
        language sql immutable parallel safe as $$
          select coalesce(array_agg(distinct
            hashtextextended(substr(text, at, size), hashtextextended(account, 0))), '{}')
          from generate_series(shortest, 3) size, generate_series(1, length(text) - size + 1) at
        $$;

      -- Its index can only be read as a bitmap, which serving connections do without. To start parallel
      -- workers takes longer than all the rest.
      create function searched_members(account text, part text, shortest int) returns setof text
        language plpgsql stable rows 100 set enable_bitmapscan = on
          set enable_seqscan = off set max_parallel_workers_per_gather = 0 as $$
        begin
          return query select s.id from member_searches s
            where search_pieces(s.account_id, s.text, 2) @> search_pieces(account, part, shortest)
              and s.account_id = account and strpos(s.text, part) > 0;
        end $$;

      create function search_text(name text, email text) returns text
        language sql immutable parallel safe as $$ select lower(name) || E'\\n' || email $$;

      create function add_member_search() returns trigger language plpgsql
        security definer set search_path from current as $$
        begin
          -- Held, so that a name that changes meanwhile is either seen here or sees this row.
          insert into member_searches (account_id, id, text)
            select new.account_id, new.id, search_text(name, email)
            from users where id = new.user_id for share;
          return null;
        end $$;
      create trigger searched after insert on memberships
        for each row execute function add_member_search();

      create function update_member_searches() returns trigger language plpgsql
        security definer set search_path from current as $$
        begin
          update member_searches s set text = search_text(new.name, new.email)
            from memberships m
            where m.user_id = new.id and s.id = m.id and s.account_id = m.account_id;
          return null;
        end $$;
      create trigger searched after update of name, email on users
        for each row when ((old.name, old.email) is distinct from (new.name, new.email))
        execute function update_member_searches();

      insert into member_searches (account_id, id, text)
        select m.account_id, m.id, search_text(u.name, u.email)
        from memberships m join users u on u.id = m.user_id;
      create index member_searches_pieces_idx on member_searches
        using gin (search_pieces(account_id, text, 2)) with (fastupdate = off);

      -- For a question that no index answers (database/firstRows.ts).
      create function refuse_to_look_further() returns int language plpgsql as $$
        begin
          raise exception 'no index finds what is asked for' using errcode = 'GH001';
        end $$;
    `);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`
      drop trigger searched on users;
      drop trigger searched on memberships;
      drop function update_member_searches, add_member_search, refuse_to_look_further;
      drop table member_searches;
      drop function searched_members, search_pieces, search_text;
    `);
  }
}
