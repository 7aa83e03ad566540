import { getMetadataStorage } from "type-graphql";
import { ApiKey, Authtoken, Credential, CredentialKind } from "../entities/Credential";

/** The object types that a row of an entity can be, and the column that tells which. */
export interface Concrete {
  by: string | null;
  types: readonly { word: string; name: string }[];
}

const KINDS = new Map<unknown, { by: string; types: Record<string, unknown> }>([
  [
    Credential,
    {
      by: "kind",
      types: { [CredentialKind.API_KEY]: ApiKey, [CredentialKind.AUTHTOKEN]: Authtoken },
    },
  ],
]);

const nameOf = (target: unknown) =>
  getMetadataStorage().objectTypes.find((type) => type.target === target)?.name;

/** By TypeGraphQL's metadata: the class that is the entity is the type too. */
export function concreteTypes(entity: unknown): Concrete {
  const kinds = KINDS.get(entity);
  if (kinds) {
    const types = Object.entries(kinds.types);
    return { by: kinds.by, types: types.map(([word, type]) => ({ word, name: nameOf(type)! })) };
  }
  const name = nameOf(entity);
  return { by: null, types: name ? [{ word: "", name }] : [] };
}

let resolved: Set<string> | undefined;

/** Whether a method stands behind a field, which may say anything. */
export function isResolved(typeName: string, field: string): boolean {
  if (!resolved) {
    const { fieldResolvers, interfaceTypes, objectTypes } = getMetadataStorage();
    resolved = new Set();
    for (const { kind, getObjectType, schemaName } of fieldResolvers) {
      if (kind !== "external") continue;
      const target = getObjectType?.();
      for (const type of [...objectTypes, ...interfaceTypes]) {
        if (type.target === target) resolved.add(`${type.name}.${schemaName}`);
      }
    }
  }
  return resolved.has(`${typeName}.${field}`);
}
