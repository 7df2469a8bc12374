/** The instant that recorded examples begin at. */
const EXAMPLE_START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const MINUTE_MS = 60_000;

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const LEASE_ID = /\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g;
const UUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const TOKEN = /\bdckr_(pat|oat)_[\w-]+/g;
const JWE = /\beyJ[\w-]+(?:\.[\w-]+){4}/g;
const NEXT_TOKEN = /("nextToken": ?)"[^"]+"/g;
const MEASURED = /("(?:listDelayMs|rateRemaining)": ?)\d+/g;

/**
 * Makes what a run recorded the same for every run: ids and tokens become examples in the order in which they first stand, and
 * times whole minutes after one start, so that a lease of 15 minutes still shows 15 minutes.
 */
export function redactor(startedAtMs: number): (text: string) => string {
  const leaseIds = new Map<string, string>();
  const uuids = new Map<string, string>();
  return (text) =>
    text
      .replaceAll(TIME, (time) => {
        const minutes = Math.floor((Date.parse(time) - startedAtMs) / MINUTE_MS);
        return new Date(EXAMPLE_START_MS + minutes * MINUTE_MS).toISOString();
      })
      .replaceAll(LEASE_ID, (id) => named(leaseIds, id, (number) => `01KAJQXY00EXAMPLE0EXAMP${pad(number, 3)}`))
      .replaceAll(UUID, (id) => named(uuids, id, (number) => `00000000-0000-4000-8000-${pad(number, 12)}`))
      .replaceAll(JWE, 'eyJhbGciOiJFQ0RILUVTK0EyNTZLVyJ9.EXAMPLE.EXAMPLE.EXAMPLE.EXAMPLE')
      .replaceAll(TOKEN, 'dckr_$1_EXAMPLE')
      .replaceAll(NEXT_TOKEN, '$1"EXAMPLE"')
      .replaceAll(MEASURED, '$1100');
}

function named(names: Map<string, string>, id: string, name: (number: number) => string): string {
  const known = names.get(id);
  if (known !== undefined) return known;
  const made = name(names.size + 1);
  names.set(id, made);
  return made;
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
