import { ErrorCode } from "./contract";

interface Details {
  /** Status in place of the one that belongs to the code. */
  readonly status?: number;
  /** Names that do exist. */
  readonly models?: readonly string[];
  /** What the endpoint or the network said, for the log. */
  readonly cause?: unknown;
}

/** An answer other than the model's: one of the contract's errors, with a message for the caller. */
export class Problem extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Details = {},
  ) {
    super(message, { cause: details.cause });
  }
}
