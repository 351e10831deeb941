/** A text without the byte order mark that some editors put in front of a file. */
export const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text)

/** @throws TypeError for bytes that are not UTF-8, which would come out as other characters */
export const decodeUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)

/** An id without what copying and typing put around it: blanks, line ends, marks. */
export const plainId = (text: string): string => text.trim()
