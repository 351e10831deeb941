// A field that starts with a value has it as `defaultValue`: a `value` is set again whenever its form is drawn, and takes
// away what was typed.

/** What a form was given, without blanks around it; nothing for a field that it does not have. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** The same as a number; undefined where the field was left empty. */
export function numberOf(form: FormData, name: string): number | undefined {
  const text = textOf(form, name)
  return text === '' ? undefined : Number(text)
}

/** The form of a submit, which the page itself answers: nothing is sent by the browser. */
export function formOf(event: Event): FormData {
  event.preventDefault()
  return new FormData(event.currentTarget as HTMLFormElement)
}
