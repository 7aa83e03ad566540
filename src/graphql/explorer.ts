import { renderGraphiQL } from "@graphql-yoga/render-graphiql";
import type { FastifyReply } from "fastify";

/** What a newcomer sees first: the nested graph, and what they may do with it. */
export const EXAMPLE_QUERY = `# The nested graph, as far as you may see it. Press ▶ to run it.
#
# The headers (below) carry an API key. Try the key of another member: the same
# query shows less, and \`can\` says what that member may do.
query Welcome {
  viewer {
    principal {
      id
      name
    }
    memberships(first: 5) {
      nodes {
        account {
          id
          name
          can {
            update
            seeIPRestrictions
            seeAllEvents
          }
          members(first: 5) {
            nodes {
              id
              status
              roles {
                administrator
                developer
                team
                billing
              }
              user {
                name
                email
              }
              can {
                updateRoles
                disable
              }
              credentials(first: 3) {
                nodes {
                  id
                  description
                  status
                  lastUsedAt
                }
              }
            }
            pageInfo {
              hasNextPage
              endCursor
            }
          }
          ipRestrictions {
            surface
            rules {
              range
              effect
            }
          }
          events(first: 5) {
            nodes {
              type
              occurredAt
              principal {
                subject
              }
              decision
            }
          }
        }
      }
    }
  }
}
`;

/** GraphiQL on one page from an npm package: nothing comes from anywhere else. */
export function explorer(reply: FastifyReply, demoKey: string | undefined): FastifyReply {
  const authorization = demoKey ? `Bearer ${demoKey}` : "Bearer <API key>";
  const page = renderGraphiQL({
    title: "Gatehouse",
    defaultQuery: EXAMPLE_QUERY,
    headers: JSON.stringify({ Authorization: authorization }, null, 2),
    credentials: "same-origin",
  });
  return reply
    .header(
      "content-security-policy",
      // Its scripts are inline, and its editor compiles and starts workers from blobs.
      "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; " +
        "style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    .type("text/html; charset=utf-8")
    .send(page);
}
