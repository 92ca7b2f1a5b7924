import { CONTENT_TYPES, DEFAULT_ACCEPT, MAX_BODY_BYTES } from "./contract";
import { Problem } from "./problem";

/** What a model is asked. */
export interface PredictionRequest {
  readonly contentType: string;
  readonly accept: string;
  readonly body: Buffer;
}

/**
 * A request for a model, where it is worth an invocation.
 *
 * @param headers by their names in lower case, as API Gateway gives them
 * @throws Problem when the content type is not taken, or the body is too large, empty or not JSON
 */
export function readRequest(
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
): PredictionRequest {
  const contentType = headers["content-type"] ?? "";
  const mediaType = contentType.split(";")[0]!.trim().toLowerCase();
  if (!CONTENT_TYPES.some((type) => type === mediaType)) {
    throw new Problem(
      "UNSUPPORTED_CONTENT_TYPE",
      `Content-Type is "${contentType}": send ${CONTENT_TYPES.join(" or ")}`,
    );
  }
  if (body.length > MAX_BODY_BYTES) {
    throw new Problem(
      "BODY_TOO_LARGE",
      `the body has ${body.length} bytes, the limit is ${MAX_BODY_BYTES}: split the batch`,
    );
  }
  const text = body.toString("utf8").trim();
  if (text === "") throw new Problem("EMPTY_BODY", "the body is empty: send the rows to predict");
  if (mediaType === "application/json") checkJson(text);
  return { contentType, accept: headers.accept ?? DEFAULT_ACCEPT, body };
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Problem(
      "MALFORMED_JSON",
      `the body can not be read as JSON: ${(error as Error).message}. For NaN and Infinity send null`,
    );
  }
}
