/** @module Content-Type and Accept: which media types a stack version accepts, and which compatibility they request (docs/elasticsearch.md §5). */
import { ElasticsearchError } from '../errors.ts';

const vendored =
  /^application\/vnd\.elasticsearch\+(json|x-ndjson|yaml|cbor|smile)\s*;\s*compatible-with\s*=\s*(\d+)$/i;
const plainContent = [
  'application/json',
  'application/x-ndjson',
  'application/yaml',
  'application/vnd.elasticsearch+json',
  'application/vnd.elasticsearch+x-ndjson',
];

/** An error whose `error` field is a plain string, as in errors from the server's outer layers. */
export class PlainError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the body has a `status` field; some of these errors have none. */
  readonly withStatus: boolean;

  constructor(
    status: number,
    message: string,
    { headers = {}, withStatus = true }: { headers?: Record<string, string>; withStatus?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.withStatus = withStatus;
  }

  body(): object {
    return this.withStatus ? { error: this.message, status: this.status } : { error: this.message };
  }
}

export interface MediaTypes {
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
  readonly hasBody: boolean;
}

/** The `compatible-with` version in the headers Content-Type and Accept, if any. @throws 400 or 406 as the stack does */
export function compatibility(
  major: 7 | 8 | 9,
  { contentType, accept, hasBody }: MediaTypes,
): number | undefined {
  const sent = hasBody || contentType !== undefined ? versionOf(contentType) : undefined;
  const wanted = versionOf(accept);
  if (hasBody && !known(contentType))
    throw new PlainError(406, `Content-Type header [${contentType ?? ''}] is not supported`);
  if (major === 7) {
    for (const [name, value, version] of [
      ['Content-Type', contentType, hasBody ? sent : undefined],
      ['Accept', accept, wanted],
    ] as const)
      if (version !== undefined && version !== 7)
        throw new PlainError(406, `${name} header [${value}] is not supported`);
    return sent ?? wanted;
  }
  for (const [name, value, version] of [
    ['Accept', accept, wanted],
    ['Content-Type', contentType, hasBody ? sent : undefined],
  ] as const)
    if (version !== undefined && version !== major && version !== major - 1)
      throw mediaTypeError(
        `${name} version must be either version ${major} or ${major - 1}, but found ${version}. ${name}=${value}`,
      );
  if (hasBody && sent !== wanted && (sent !== undefined || (wanted !== undefined && accept !== '*/*')))
    throw mediaTypeError(
      `A compatible version is required on both Content-Type and Accept headers if either one has requested a compatible version and the compatible versions must match. Accept=${accept}, Content-Type=${contentType}`,
    );
  return wanted ?? (hasBody ? sent : undefined);
}

function versionOf(mediaType: string | undefined): number | undefined {
  const version = mediaType?.split(',')[0]?.trim().match(vendored)?.[2];
  return version === undefined ? undefined : Number(version);
}

function known(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  if (vendored.test(contentType.trim())) return true;
  return plainContent.includes(contentType.split(';')[0]?.trim().toLowerCase() ?? '');
}

function mediaTypeError(reason: string): ElasticsearchError {
  return new ElasticsearchError(400, {
    type: 'media_type_header_exception',
    reason: 'Invalid media-type value on headers [Content-Type, Accept]',
    caused_by: { type: 'status_exception', reason },
  });
}
