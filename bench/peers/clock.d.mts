export function nowUs(): number
