import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { extendSchema } from "postgraphile/utils";
import { authenticate, pool, ready } from "./common.mjs";

/**
 * PostGraphile on the same tables, which makes a schema of them and one statement of a query.
 * Who may see what is row-level security's to say, of the account in a setting. Names are made
 * Gatehouse's, so that it takes the same documents.
 */
const ROLE = "gatehouse_bench_postgraphile";
const ACCOUNT = "(select current_setting('bench.account_id'))";

const SETUP = `
  drop role if exists ${ROLE};
  create role ${ROLE};
  grant select on accounts, memberships, users, credentials to ${ROLE};

  alter table accounts enable row level security;
  alter table memberships enable row level security;
  alter table users enable row level security;
  alter table credentials enable row level security;

  create policy peer on accounts to ${ROLE} using (id = ${ACCOUNT} and deleted_at is null);
  create policy peer on memberships to ${ROLE}
    using (account_id = ${ACCOUNT} and removed_at is null);
  create policy peer on credentials to ${ROLE} using (account_id = ${ACCOUNT});
  create policy peer on users to ${ROLE} using (exists (
    select from memberships m where m.account_id = ${ACCOUNT} and m.user_id = users.id));

  create policy server on accounts to gatehouse_app using (true);
  create policy server on memberships to gatehouse_app using (true);
  create policy server on users to gatehouse_app using (true);
  create policy server on credentials to gatehouse_app using (true);

  comment on constraint memberships_account_id_fkey on memberships is
    '@foreignFieldName members';
  comment on constraint memberships_user_id_fkey on memberships is '@fieldName user';
  comment on constraint credentials_account_id_membership_id_fkey on credentials is
    '@foreignFieldName credentials';`;

/** PostGraphile would call it \`rowId\`. */
const plainIds = {
  name: "PlainIds",
  inflection: {
    replace: {
      _attributeName: (previous, _, details) => previous({ ...details, skipRowId: true }),
    },
  },
};

const names = extendSchema(({ input: { pgRegistry } }) => ({
  typeDefs: `
    extend type Query { account(id: ID!): Account }
    extend type Membership { roles: MemberRoles! }
    type MemberRoles { administrator: Boolean! developer: String! team: String! billing: String! }`,
  objects: {
    Query: {
      plans: { account: (_, { $id }) => pgRegistry.pgResources.accounts.get({ id: $id }) },
    },
    Membership: { plans: { roles: ($member) => $member } },
    MemberRoles: {
      plans: Object.fromEntries(
        ["administrator", "developer", "team", "billing"].map((role) => [
          role,
          ($member) => $member.get(role),
        ]),
      ),
    },
  },
}));

await pool.query(SETUP);
const server = createServer();
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  disablePlugins: ["NodePlugin"],
  plugins: [plainIds, names],
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  grafserv: { graphiql: false },
  grafast: {
    context: async ({ node }) => {
      const { accountId } = await authenticate(node.req);
      return { pgSettings: { role: ROLE, "bench.account_id": accountId } };
    },
  },
});
await instance.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => ready(server.address().port));
