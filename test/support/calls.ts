import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import * as ts from "typescript";

const src = join(__dirname, "../../src");
/** What verbs are made of. Whatever these rooms call elsewhere is a mark by its name, and not followed. */
const ROOMS = ["operations", "identity"];

interface Made {
  /** What it does, as the source says it: `name(…)`, `.method(…)`, `kind: "…"`, `.property =`. */
  marks: Set<string>;
  /** Functions of these rooms that it calls, each as `file name`. */
  calls: Set<string>;
}

/**
 * What each verb does, by itself and by the steps that it takes: every file of a folder of
 * `src/operations` but `steps` is one, by its name.
 */
export function verbs(): Map<string, Set<string>> {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(src, room), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(room, file).replace(/\.ts$/, "")),
  );
  const functions = new Map(files.flatMap((file) => [...functionsOf(file)]));
  const reached = (start: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(start)) return new Set();
    seen.add(start);
    const { marks, calls } = functions.get(start)!;
    return new Set([...marks, ...[...calls].flatMap((call) => [...reached(call, seen)])]);
  };
  return new Map(
    files
      .filter((file) => /^operations\/(?!steps\/)\w+\//.test(file))
      .map((file) => {
        const name = file.split("/").at(-1)!;
        return [name, reached(`${file} ${name}`)] as const;
      })
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** The functions at the top of a file. */
function functionsOf(file: string): Map<string, Made> {
  const text = readFileSync(join(src, `${file}.ts`), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imported = new Map<string, string>();
  const bodies = new Map<string, ts.Node>();
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const from = (statement.moduleSpecifier as ts.StringLiteral).text;
      const names = statement.importClause?.namedBindings;
      if (!from.startsWith(".") || !names || !ts.isNamedImports(names)) continue;
      const to = relative(src, join(src, dirname(file), from));
      for (const { name, propertyName } of names.elements) {
        imported.set(name.text, `${to} ${(propertyName ?? name).text}`);
      }
    } else if (ts.isFunctionDeclaration(statement) && statement.name) {
      bodies.set(statement.name.text, statement);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name) && initializer && ts.isArrowFunction(initializer)) {
          bodies.set(name.text, initializer);
        }
      }
    }
  }
  const nameOf = (name: string) => (bodies.has(name) ? `${file} ${name}` : imported.get(name));
  return new Map(
    [...bodies].map(([name, body]) => [`${file} ${name}`, made(body, nameOf)] as const),
  );
}

function made(body: ts.Node, nameOf: (called: string) => string | undefined): Made {
  const marks = new Set<string>();
  const calls = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression, arguments: given } = node;
      const name = ts.isIdentifier(expression)
        ? expression.text
        : ts.isPropertyAccessExpression(expression)
          ? `.${expression.name.text}`
          : null;
      if (name) {
        marks.add(`${name}()`);
        for (const one of given) if (ts.isStringLiteral(one)) marks.add(`${name}("${one.text}")`);
        const called = nameOf(name);
        if (called && ROOMS.some((room) => called.startsWith(`${room}/`))) calls.add(called);
      }
    }
    if (ts.isPropertyAssignment(node) && ts.isStringLiteral(node.initializer)) {
      marks.add(`${node.name.getText()}: "${node.initializer.text}"`);
    }
    if (
      ts.isBinaryExpression(node) &&
      ts.isPropertyAccessExpression(node.left) &&
      /^(\?\?)?=$/.test(node.operatorToken.getText())
    ) {
      marks.add(`.${node.left.name.text} =`);
    }
    ts.forEachChild(node, visit);
  };
  visit(body);
  return { marks, calls };
}
