import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLSchema,
  isListType,
  isNonNullType,
  isObjectType,
  isInterfaceType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { MAX_PAGE } from "../reads/filters";

export interface Limits {
  maxDepth: number;
  maxAliases: number;
  maxCost: number;
}

/** Plain lists are short: their maximum is enforced where they are made. */
const PLAIN_LIST = 10;
const FRAGMENT_ROUNDS = 50;
/** What a search for text adds: a few of them fit into one request. */
const SEARCH_COST = 2_000;

/** How much an operation asks for. */
export interface Size {
  cost: number;
  depth: number;
  aliases: number;
}

/** What doesn't depend on variables is measured once, as long as the document is remembered. */
const measured = new WeakMap<OperationDefinitionNode, Size>();

/** How much an operation of a validated document asks for with these variables. */
export function sizeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): Size {
  let size = measured.get(operation);
  if (!size) {
    let varies = false;
    const asked = new Proxy(variables, {
      get: (of, name) => {
        varies = true;
        return Reflect.get(of, name) as unknown;
      },
    });
    size = measure(schema, document, operation, asked);
    if (!varies) measured.set(operation, size);
  }
  return size;
}

/**
 * How much an operation asks for with these variables: a field costs 1, a connection what its
 * children cost times `first`, and a search more. Fragments are measured once and counted as often as they are
 * spread, so a document that spreads itself large is measured fast.
 */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
): Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  const measured = new Map<string, Size>();
  const root = schema.getRootType(operation.operation) ?? undefined;
  return ofSelection(operation.selectionSet, root);

  function ofSelection(set: SelectionSetNode, parent: GraphQLNamedType | undefined): Size {
    const size = { cost: 0, depth: 0, aliases: 0 };
    for (const node of set.selections) {
      const part =
        node.kind === Kind.FIELD
          ? ofField(node, parent)
          : node.kind === Kind.FRAGMENT_SPREAD
            ? ofFragment(node.name.value)
            : ofSelection(
                node.selectionSet,
                node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent,
              );
      size.cost += part.cost;
      size.aliases += part.aliases;
      size.depth = Math.max(size.depth, part.depth);
    }
    return size;
  }

  function ofFragment(name: string): Size {
    let size = measured.get(name);
    if (!size) {
      const fragment = fragments.get(name)!;
      measured.set(name, { cost: 0, depth: FRAGMENT_ROUNDS, aliases: 0 }); // against a cycle
      size = ofSelection(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
      measured.set(name, size);
    }
    return size;
  }

  function ofField(node: FieldNode, parent: GraphQLNamedType | undefined): Size {
    const aliases = node.alias ? 1 : 0;
    if (!node.selectionSet) return { cost: 1, depth: 1, aliases };
    const field =
      isObjectType(parent) || isInterfaceType(parent)
        ? parent.getFields()[node.name.value]
        : undefined;
    const type = field && getNamedType(field.type);
    const inner = ofSelection(node.selectionSet, type);
    const nullable = field && isNonNullType(field.type) ? field.type.ofType : field?.type;
    // A connection pays for its page once; the lists in it are that page.
    const inConnection = parent?.name.endsWith("Connection") ?? false;
    const times = type?.name.endsWith("Connection")
      ? pageSize(node)
      : isListType(nullable) && !inConnection
        ? PLAIN_LIST
        : 1;
    return {
      cost: 1 + filterCost(node) + times * inner.cost,
      depth: 1 + inner.depth,
      aliases: aliases + inner.aliases,
    };
  }

  /** Text within names is looked for in more rows than a page shows. */
  function filterCost(node: FieldNode): number {
    const filter = node.arguments?.find(({ name }) => name.value === "filter")?.value;
    if (!filter) return 0;
    const isSearch =
      filter.kind === Kind.VARIABLE
        ? hasText(filter.name.value)
        : filter.kind === Kind.OBJECT &&
          filter.fields.some(
            ({ name, value }) =>
              name.value === "text" &&
              value.kind !== Kind.NULL &&
              (value.kind !== Kind.VARIABLE || isGiven(value.name.value)),
          );
    return isSearch ? SEARCH_COST : 0;
  }

  function hasText(variable: string): boolean {
    const value = variables[variable];
    if (value === undefined) return isGiven(variable);
    return typeof value === "object" && (value as { text?: unknown } | null)?.text != null;
  }

  /** Whether a variable has a value; its own default counts as one. */
  function isGiven(variable: string): boolean {
    const value = variables[variable];
    if (value !== undefined) return value !== null;
    const defined = operation.variableDefinitions?.find(
      (one) => one.variable.name.value === variable,
    );
    return defined?.defaultValue !== undefined;
  }

  function pageSize(node: FieldNode): number {
    const value = node.arguments?.find(({ name }) => name.value === "first")?.value;
    if (!value) return 50;
    const size =
      value.kind === Kind.INT
        ? Number(value.value)
        : value.kind === Kind.VARIABLE
          ? variables[value.name.value]
          : MAX_PAGE;
    // What is out of range is refused when it runs; until then it counts as the most there is.
    return typeof size === "number" && size >= 1 && size <= MAX_PAGE ? size : MAX_PAGE;
  }
}

/** @throws GraphQLError (QUERY_TOO_COMPLEX) that names the limit, and what was asked. */
export function assertWithin(size: Size, limits: Limits): void {
  const over = (what: string, asked: number, limit: number) => {
    if (asked <= limit) return;
    throw new GraphQLError(
      `The query's ${what} is ${asked}, and the limit is ${limit}. Ask for smaller pages (\`first\`) or fewer fields.`,
      { extensions: { code: "QUERY_TOO_COMPLEX", limit, sent: asked, http: { status: 400 } } },
    );
  };
  over("depth", size.depth, limits.maxDepth);
  over("number of aliases", size.aliases, limits.maxAliases);
  over("cost", size.cost, limits.maxCost);
}
