import { MAX_MODEL_MESSAGE } from "./contract";

const PYTHON_TRACE = /Traceback \(most recent call last\).*/;
/** How a stack trace starts, in Python and in R. */
const TRACE = new RegExp(`${PYTHON_TRACE.source}|^(Calls|Traceback|Backtrace):`, "m");
/** Its lines, but for the error itself: frames are indented or numbered. */
const TRACE_LINE =
  /^(\s|\d+[:.]\s|Calls:|Traceback:|Backtrace:|During handling of the above|The above exception was)/;

/**
 * What a model says of its error, without stack traces, which tell callers of its insides.
 *
 * @param body the model's answer; MLflow's has the form `{"error_code", "message", "stack_trace"}`
 * @returns at most `MAX_MODEL_MESSAGE` characters; nothing where no message can be told from the rest
 */
export function modelMessage(body: string): string | undefined {
  const message = messageField(body.trim());
  if (message === undefined) return undefined;
  return bounded(withoutTrace(message).trim()) || undefined;
}

function withoutTrace(message: string): string {
  if (!TRACE.test(message)) return message;
  return message
    .split(/\r?\n/)
    .map((line) => line.replace(PYTHON_TRACE, ""))
    .filter((line) => !TRACE_LINE.test(line))
    .join("\n");
}

/** MLflow and plumber call it `message`, TorchServe and Flask programs `error`, FastAPI `detail`. */
function messageField(text: string): string | undefined {
  // A page, or JSON that does not end: nothing that a caller could use.
  if (text.startsWith("<")) return undefined;
  if (!text.startsWith("{")) return text;
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    return [fields.message, fields.error, fields.detail].find((field) => typeof field === "string");
  } catch {
    return undefined;
  }
}

/** Cut in the middle: MLflow quotes the data first and says what is wrong with it at the end. */
function bounded(text: string): string {
  if (text.length <= MAX_MODEL_MESSAGE) return text;
  const gap = " […] ";
  const half = (MAX_MODEL_MESSAGE - gap.length) / 2;
  return text.slice(0, Math.ceil(half)) + gap + text.slice(-Math.floor(half));
}
