import {
  coerceInputValue,
  type DocumentNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  print,
  typeFromAST,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from "graphql";

/** Bytes of UTF-8 that a text may have where nothing else is said here. */
const DEFAULT_MAX_BYTES = 255;
/** Longer than any id, short enough to look up. */
const ID_MAX_BYTES = 64;
const MAX_LIST = 100;

/** Texts with another limit than the default, by where they stand. */
export const MAX_BYTES: Readonly<Record<string, number>> = {
  "SignInInput.email": 254,
  "SignInInput.password": 1024,
  "CreateApiKeyInput.metadata": 4096,
  "CreateAuthtokenInput.metadata": 4096,
  "UpdateCredentialInput.metadata": 4096,
};

type Path = readonly (string | number)[];

/**
 * Refuses input that cannot be meant, before anything runs: wrong types, texts and lists over
 * their limit, NUL and lone surrogates, which PostgreSQL's text cannot hold. The error names
 * the field and the limit, and never repeats a value, which may be a secret.
 */
export class InputCheck {
  /** Literals of a document are checked once, as long as the document is remembered. */
  private readonly passed = new WeakSet<DocumentNode>();

  constructor(private readonly schema: GraphQLSchema) {}

  check(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown> | undefined,
  ): void {
    if (!this.passed.has(document)) {
      this.checkLiterals(document);
      this.passed.add(document);
    }
    for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
      const name = variable.name.value;
      const type = typeFromAST(this.schema, node);
      if (!isInputType(type)) continue; // validation has said so
      const value = variables?.[name];
      if (value === undefined) {
        if (isNonNullType(type) && !defaultValue) {
          throw badInput([`$${name}`], `is required: a value of type ${print(node)}.`);
        }
        continue;
      }
      checkTexts(value, type, [`$${name}`], undefined);
      coerceInputValue(value, type, (path, _invalid, error) => {
        throw badInput([`$${name}`, ...path], withoutValue(error.message));
      });
    }
  }

  private checkLiterals(document: DocumentNode): void {
    const info = new TypeInfo(this.schema);
    const Argument = {
      enter: (node: {
        name: { value: string };
        value: Parameters<typeof valueFromASTUntyped>[0];
      }) => {
        const argument = info.getArgument();
        const key = `${info.getParentType()?.name}.${info.getFieldDef()?.name}.${node.name.value}`;
        if (argument) {
          checkTexts(valueFromASTUntyped(node.value), argument.type, [node.name.value], key);
        }
      },
    };
    const VariableDefinition = {
      enter: (node: { variable: { name: { value: string } }; defaultValue?: unknown }) => {
        const type = info.getInputType();
        if (node.defaultValue && type) {
          const value = valueFromASTUntyped(node.defaultValue as never);
          checkTexts(value, type, [`$${node.variable.name.value}`], undefined);
        }
      },
    };
    visit(document, visitWithTypeInfo(info, { Argument, VariableDefinition }));
  }
}

/** Walks a value along its type. What is of the wrong type is left to coercion. */
function checkTexts(
  value: unknown,
  type: GraphQLInputType,
  path: Path,
  key: string | undefined,
): void {
  if (value === null || value === undefined) return;
  if (isNonNullType(type)) return checkTexts(value, type.ofType, path, key);
  if (isListType(type)) {
    if (!Array.isArray(value)) return checkTexts(value, type.ofType, path, key);
    if (value.length > MAX_LIST) {
      const sent = value.length;
      throw badInput(path, `takes at most ${MAX_LIST} items; this has ${sent}.`, MAX_LIST, sent);
    }
    value.forEach((item, i) => checkTexts(item, type.ofType, [...path, i], key));
    return;
  }
  if (isInputObjectType(type)) {
    if (typeof value !== "object") return;
    const fields = type.getFields();
    for (const [name, item] of Object.entries(value)) {
      const field = fields[name];
      if (field) checkTexts(item, field.type, [...path, name], `${type.name}.${name}`);
    }
    return;
  }
  if (typeof value === "string") checkText(value, type, path, key);
}

function checkText(
  text: string,
  type: GraphQLInputType,
  path: Path,
  key: string | undefined,
): void {
  const limit =
    MAX_BYTES[key ?? ""] ??
    ("name" in type && type.name === "ID" ? ID_MAX_BYTES : DEFAULT_MAX_BYTES);
  const sent = Buffer.byteLength(text);
  if (sent > limit && !isEnumType(type)) {
    throw badInput(path, `takes at most ${limit} bytes; this has ${sent}.`, limit, sent);
  }
  const nul = text.indexOf("\0");
  if (nul >= 0) throw badInput(path, `has a NUL character at position ${nul}.`);
  if (!text.isWellFormed()) {
    throw badInput(path, "has half of a surrogate pair, which is no character.");
  }
}

function badInput(path: Path, problem: string, limit?: number, sent?: number): GraphQLError {
  const field = path.join(".");
  return new GraphQLError(`\`${field}\` ${problem}`, {
    extensions: {
      code: "BAD_USER_INPUT",
      field: path.map(String),
      ...(limit !== undefined && { limit, sent }),
      http: { status: 400 },
    },
  });
}

/** graphql-js quotes the value it can't use. It may be a password in the wrong place. */
function withoutValue(message: string): string {
  return message
    .replace(
      /^Expected (non-null|value of) type ["'“]?([^"'”]+?)["'”]? (not to be null|.*)$/s,
      "is required: a value of type $2.",
    )
    .replace(/^(\S+ cannot represent [^:]*): .*$/s, "can't be used: $1.")
    .replace(/^(Field .*|Value .*|Expected .*|Enum .*)$/s, "can't be used: $1");
}
