import Fastify from "fastify";
import mercurius from "mercurius";
import { authenticate, pool, ready } from "./common.mjs";

/**
 * Mercurius with graphql-jit, and what a careful person writes for it by hand: prepared queries,
 * one for all rows of a kind. No policy.
 */
const schema = `
  type Query { account(id: ID!): Account }
  type Account { id: ID! name: String! members(first: Int! = 50): MemberConnection! }
  type MemberConnection { nodes: [Member!]! }
  type Member {
    id: ID!
    roles: MemberRoles!
    user: User!
    credentials(first: Int! = 50): CredentialConnection!
  }
  type MemberRoles { administrator: Boolean! developer: String! team: String! billing: String! }
  type User { id: ID! email: String! name: String! }
  type CredentialConnection { nodes: [Credential!]! }
  type Credential { id: ID! kind: String! description: String! createdAt: String! }`;

const STATEMENTS = {
  account: `select id, name from accounts where id = $1 and deleted_at is null`,
  members: `select account_id as "accountId", id, user_id as "userId", administrator, developer,
      team, billing
    from memberships where account_id = $1 and removed_at is null order by id limit $2`,
  users: `select id, email, name from users where id = any($1)`,
  credentials: `select c.* from unnest($2::text[]) owner(id) cross join lateral (
      select membership_id as owner, id, kind, description, created_at as "createdAt"
      from credentials where account_id = $1 and membership_id = owner.id
      order by id limit $3) c`,
};

const query = async (name, values) =>
  (await pool.query({ name, text: STATEMENTS[name], values })).rows;

const resolvers = {
  Query: {
    account: async (_, { id }, { caller }) =>
      id === caller.accountId ? (await query("account", [id]))[0] : null,
  },
  Account: {
    members: async ({ id }, { first }) => ({ nodes: await query("members", [id, first]) }),
  },
  Member: { roles: (member) => member },
  Credential: { createdAt: ({ createdAt }) => createdAt.toISOString() },
};

/** What a field asks once for all members of a request. */
const loaders = {
  Member: {
    user: {
      async loader(asked) {
        const rows = await query("users", [asked.map(({ obj }) => obj.userId)]);
        const byId = new Map(rows.map((user) => [user.id, user]));
        return asked.map(({ obj }) => byId.get(obj.userId));
      },
      opts: { cache: false },
    },
    credentials: {
      async loader(asked) {
        const [{ obj, params }] = asked;
        const owners = asked.map(({ obj }) => obj.id);
        const rows = await query("credentials", [obj.accountId, owners, params.first]);
        const byOwner = new Map(owners.map((id) => [id, []]));
        for (const credential of rows) byOwner.get(credential.owner).push(credential);
        return owners.map((id) => ({ nodes: byOwner.get(id) }));
      },
      opts: { cache: false },
    },
  },
};

const app = Fastify();
await app.register(mercurius, {
  ...{ schema, resolvers, loaders, jit: 1 },
  context: async (request) => ({ caller: await authenticate(request) }),
});
await app.listen({ host: "127.0.0.1", port: 0 });
ready(app.server.address().port);
