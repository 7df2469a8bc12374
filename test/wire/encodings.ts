export const LEASE_ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';

/** Of each form of path that the API has, one as it must be sent. */
export const CANONICAL = [
  '/v1/lease/ci/release',
  '/v1/admin/secrets/ci/release',
  `/v1/leases/${LEASE_ID}`,
  `/v1/leases/${LEASE_ID}/renew`,
  '/v1/whoami',
];

/** Every other way to write the same path, or to smuggle another one through it. */
export function encodings(path: string): string[] {
  const at = path.lastIndexOf('/') + 1;
  const [head, last] = [path.slice(0, at), path.slice(at)];
  const hex = (text: string, upper: boolean) => {
    const code = (text.codePointAt(0) ?? 0).toString(16).padStart(2, '0');
    return upper ? code.toUpperCase() : code;
  };
  const insertions = [
    ...[
      '/',
      './',
      '../',
      '..;/',
      '.;/',
      '%2e/',
      '%2E/',
      '%2e%2e/',
      '.%2e/',
      '%2e./',
      '%252e%252e/',
      '..%2f',
      '%2f',
      '%2F',
    ],
    ...['%5c', '%5C', '\\', '..\\', '%252f', '%c0%af', '%c0%ae/', '%e0%80%af', '%u002f', '%00', '%0a', '%0d%0a', '%09'],
    ...[
      '%20',
      ' ',
      '\t',
      '\n',
      '\0',
      ';',
      ';a=b/',
      '?',
      '#',
      '%3f',
      '%23',
      '%',
      '%%',
      '%g1',
      '%1',
      '*',
      '+',
      ':',
      '@',
      '!',
    ],
    ...[
      '$',
      '&',
      "'",
      '(',
      ')',
      ',',
      '=',
      '[',
      ']',
      '{',
      '}',
      '|',
      '^',
      '`',
      '"',
      '<',
      '>',
      '\u00e4',
      '\u2215',
      '\uff0f',
      '\u202e',
    ],
  ];
  return [
    ...insertions.flatMap((text) => [`${head}${text}${last}`, `${head}x/${text}../${last}`, `${path}${text}`]),
    ...[...last].map((sign, index) => `${head}${last.slice(0, index)}%${hex(sign, false)}${last.slice(index + 1)}`),
    ...[...last].map((sign, index) => `${head}${last.slice(0, index)}%25${hex(sign, true)}${last.slice(index + 1)}`),
    ...[
      `/${path}`,
      `.${path}`,
      `/.${path}`,
      `/..${path}`,
      `/x/..${path}`,
      path.slice(1),
      `http://host${path}`,
      `${path}/`,
    ],
    ...[
      path.replaceAll('/', '//'),
      path.replaceAll('/', '%2f'),
      path.replaceAll('/', '\\'),
      path.replace('/v1/', '/v1/./'),
    ],
    ...[path.replace('/v1/', '/v1/../v1/'), path.replace('/v1/', '/%761/'), path.replace('/v1/', '/v1//')],
  ].filter((text) => text !== path);
}
