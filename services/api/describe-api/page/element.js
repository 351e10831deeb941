/**
 * @typedef {string | Node} Child
 * @typedef {Record<string, string | boolean>} Attributes
 */

/**
 * An element with attributes and children. Texts become text nodes, so none of them is ever markup.
 * @param {string} name
 * @param {Attributes} [attributes] one that is false is left out
 * @param {(Child | Child[])[]} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(key, value === true ? '' : value)
  }
  made.append(...children.flat())
  return made
}

/**
 * A text of the description, in which `words` are code.
 * @param {string | undefined} text
 * @returns {Child[]}
 */
export const prose = (text) =>
  (text ?? '').split('`').map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part))

/**
 * Lines of a description: a list where they begin with a dash.
 * @param {string} text
 * @returns {Child[]}
 */
export function lines(text) {
  const all = text.split('\n')
  if (!all.every((line) => line.startsWith('- '))) return all.map((line) => element('div', {}, prose(line)))
  return [element('ul', {}, ...all.map((line) => element('li', {}, prose(line.slice(2)))))]
}
