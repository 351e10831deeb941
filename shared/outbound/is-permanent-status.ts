/** Whether the request itself is wrong, so that sending it again would not help. */
export const isPermanentStatus = (status: number): boolean =>
  status >= 400 && status < 500 && ![408, 425, 429].includes(status)
