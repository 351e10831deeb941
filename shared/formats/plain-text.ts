/** A text as it was meant, without the byte order mark that some editors put in front of a file. */
export const withoutMark = (text: string): string => (text.startsWith('\ufeff') ? text.slice(1) : text)

/** An id as it was meant, without what copying and typing put around it: blanks, line ends, marks. */
export const plainId = (text: string): string => text.trim()
