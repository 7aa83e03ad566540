import { createHash } from "node:crypto";

/** The first query in the explorer: the nested graph, with what the caller may do. */
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

/** The path of the explorer's files, below that of its page. */
export const EXPLORER_PATH = "/graphql/explorer";

/** A file of the explorer. Its name has a hash of its content, so browsers may cache it forever. */
export interface Asset {
  name: string;
  type: string;
  content: Buffer;
}

export interface Explorer {
  assets: ReadonlyMap<string, Asset>;
  /** The page, with this key in its headers. */
  page(key: string): string;
}

const JAVASCRIPT = "text/javascript; charset=utf-8";

/** Starts GraphiQL. Its package does so in an inline script, which our content security policy refuses. */
const START = `"use strict";
const { workers, options } = JSON.parse(document.querySelector("#settings").textContent);
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => workers[label] };
YogaGraphiQL.renderYogaGraphiQL(document.querySelector("#root"), options);
`;

/** Loads GraphiQL from an npm package as files of this server: the page loads nothing from other hosts. */
export async function loadExplorer(): Promise<Explorer> {
  // Loaded here, so that a server without the explorer does not have its nine megabytes in memory.
  const graphiql = await import("@graphql-yoga/render-graphiql/graphiql");
  const [, iconType, icon] = /^data:([^;]+);base64,(.*)$/s.exec(graphiql.favicon)!;
  const assets = new Map<string, Asset>();
  const add = (name: string, type: string, content: string | Buffer) => {
    const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
    const [stem, extension] = name.split(".");
    const asset = { name: `${stem}.${hash}.${extension}`, type, content: Buffer.from(content) };
    assets.set(asset.name, asset);
    return `${EXPLORER_PATH}/${asset.name}`;
  };
  const paths = {
    icon: add("icon.ico", iconType!, Buffer.from(icon!, "base64")),
    style: add("graphiql.css", "text/css; charset=utf-8", graphiql.css),
    script: add("graphiql.js", JAVASCRIPT, graphiql.js),
    start: add("start.js", JAVASCRIPT, START),
  };
  const workers = {
    editorWorkerService: add("editor.js", JAVASCRIPT, graphiql.editorWorkerService),
    json: add("json.js", JAVASCRIPT, graphiql.jsonWorker),
    graphql: add("graphql.js", JAVASCRIPT, graphiql.graphqlWorker),
  };
  return { assets, page: (key) => pageOf(paths, workers, key) };
}

function pageOf(
  paths: Record<"icon" | "style" | "script" | "start", string>,
  workers: Record<string, string>,
  key: string,
): string {
  const options = {
    title: "Gatehouse",
    defaultQuery: EXAMPLE_QUERY,
    headers: JSON.stringify({ Authorization: `Bearer ${key}` }, null, 2),
    credentials: "same-origin",
  };
  // Data, and not a script that the policy would have to allow. A `<` in it could end the element.
  const settings = JSON.stringify({ workers, options }).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Gatehouse</title>
    <link rel="icon" href="${paths.icon}" />
    <link rel="stylesheet" href="${paths.style}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>The explorer needs JavaScript.</noscript>
    <div id="root"></div>
    <script type="application/json" id="settings">${settings}</script>
    <script src="${paths.script}"></script>
    <script src="${paths.start}"></script>
  </body>
</html>
`;
}
