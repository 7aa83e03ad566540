/** Why a document is left to its resolvers. A sentence for operators; no caller ever reads it. */
export class Uncompilable extends Error {}
