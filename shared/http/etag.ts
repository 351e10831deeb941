/**
 * Whether If-None-Match names this ETag, compared weakly as RFC 9110 requires. Koa's `fresh` is not used: it treats
 * nothing as fresh when `Cache-Control: no-cache` is sent along, as fetch does with every If-None-Match of its caller.
 */
export const matchesEtag = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch === '*' || ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
