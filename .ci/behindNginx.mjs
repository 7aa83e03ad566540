// What a proxy must not break, through nginx with TLS as Debian has it:
//
//     node .ci/behindNginx.mjs postgres://…
//
// It needs what `npm run build` makes, and a PostgreSQL on which it creates a database of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const { console, process, URL } = globalThis;
const root = join(import.meta.dirname, "..");
const TLS_PORT = 4743;
const NODES = [4721];

const directory = mkdtempSync(join(tmpdir(), "behind-nginx-"));
chmodSync(directory, 0o711); // nginx's workers go through it to what they buffer
const nodes = new Map();
process.on("exit", () => {
  for (const child of nodes.values()) child.kill("SIGKILL");
  nginx("stop");
  rmSync(directory, { recursive: true, force: true });
});

function nginx(command) {
  execFileSync("bash", [join(root, ".ci/nginx"), command, directory], { stdio: "inherit" });
}

/** All that is not said is as nginx has it: what it buffers, and how long it waits. */
const CONFIGURATION = `
error_log error.log;
pid nginx.pid;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((one) => `${one}_temp_path ${one};`).join(" ")}
  server {
    listen ${TLS_PORT} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {
      proxy_pass http://127.0.0.1:${NODES[0]};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;

/** A server on a port, once it is ready. */
async function startNode(port, databaseUrl) {
  const child = spawn(process.execPath, ["dist/src/main.js"], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      GATEHOUSE_DATA_DIRECTORY: directory,
      GATEHOUSE_DEMO: "true",
      GATEHOUSE_TRUSTED_PROXIES: "127.0.0.1",
      GATEHOUSE_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  nodes.set(port, child);
  const listens = new Promise((done) => {
    child.stdout.on("data", (said) => said.includes("Gatehouse listens") && done());
  });
  await Promise.race([listens, once(child, "exit").then(() => fail("a node did not start"))]);
}

function fail(message) {
  throw new Error(message);
}

let ca;
let key;
/** A request through nginx, once its answer has begun. */
async function request(path, { method = "GET", body, agent } = {}) {
  const asked = https.request(new URL(path, `https://localhost:${TLS_PORT}`), {
    ...{ method, agent, ca },
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  });
  asked.end(body);
  const [answer] = await once(asked, "response");
  return answer.setEncoding("utf8");
}

async function graphql(query, agent) {
  const answer = await request("/graphql", {
    method: "POST",
    body: JSON.stringify({ query }),
    agent,
  });
  const { statusCode: status } = answer;
  const body = (await answer.toArray()).join("");
  return status === 200 ? JSON.parse(body).data : fail(`${status}: ${body}`);
}

const QUIET_MS = 65_000;

/** nginx holds back what it buffers, and cuts off what is quiet for 60 seconds. */
async function followQuietly() {
  const { viewer } = await graphql(
    "{ viewer { memberships(first: 1) { nodes { account { id } } } } }",
  );
  const { id } = viewer.memberships.nodes[0].account;
  const tail = await request(`/accounts/${id}/events?follow=true&after=now`);
  if (tail.statusCode !== 200) fail(`the tail was refused: ${tail.statusCode}`);
  let text = "";
  tail.on("data", (part) => (text += part));
  const ended = once(tail, "close").then(() => fail("the tail was cut off"));
  await Promise.race([sleep(QUIET_MS), ended]);
  const signs = text.length;
  if (!/^\n{5,}$/.test(text)) fail(`the tail was not quiet, or dead: ${JSON.stringify(text)}`);
  await graphql(
    `mutation { updateAccount(input: { accountId: "${id}", name: "Acme Tunnels" }) { userErrors { code } } }`,
  );
  await graphql(
    `mutation { updateAccount(input: { accountId: "${id}", name: "After a minute" }) { userErrors { code } } }`,
  );
  while (!text.includes("After a minute")) await Promise.race([sleep(50), ended]);
  console.log(`A live tail gave ${signs} signs of life in a quiet minute, and then an event.`);
}

const url = process.argv[2];
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query("create database behind_nginx");
await client.end();
const databaseUrl = url.replace(/\/postgres(?=\?|$)/, "/behind_nginx");

for (const port of NODES) await startNode(port, databaseUrl);
key = JSON.parse(readFileSync(join(directory, "demo.json"), "utf8")).apiKey;
writeFileSync(join(directory, "nginx.conf"), CONFIGURATION);
nginx("start");
ca = readFileSync(join(directory, "cert.pem"));
await followQuietly();
process.exit(0);
