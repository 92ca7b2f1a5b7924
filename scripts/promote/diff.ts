const CONTEXT = 3;

/**
 * What changes from one text to the other, as a unified diff with everything from the first changed
 * line to the last in one hunk: right for every change, and short for one place.
 *
 * @returns an empty text where nothing changes
 */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return "";
  const [old, now] = [lines(before), lines(after)];
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  let same = 0;
  while (same < shorter - start && old.at(-1 - same) === now.at(-1 - same)) same++;

  const top = Math.max(0, start - CONTEXT);
  const bottom = Math.min(same, CONTEXT);
  const oldEnd = old.length - same;
  const newEnd = now.length - same;
  const range = (end: number) => {
    const count = end + bottom - top;
    // A range without lines is named by the line before it.
    return `${count === 0 ? top : top + 1},${count}`;
  };
  return [
    `--- ${file}`,
    `+++ ${file}`,
    `@@ -${range(oldEnd)} +${range(newEnd)} @@`,
    ...old.slice(top, start).map((line) => ` ${line}`),
    ...old.slice(start, oldEnd).map((line) => `-${line}`),
    ...now.slice(start, newEnd).map((line) => `+${line}`),
    ...old.slice(oldEnd, oldEnd + bottom).map((line) => ` ${line}`),
  ].join("\n");
}

/** Without the empty one after the last line end. */
function lines(text: string): string[] {
  const all = text.split("\n");
  return all.at(-1) === "" ? all.slice(0, -1) : all;
}
