// What there is to see on the status page. Each value is what a function finds on the page.
({
  // Every text with the box it is in, its size, and its contrast with what is behind it as WCAG has it.
  texts: () => {
    const channel = value => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    const light = colour => {
      const [red, green, blue] = colour.match(/[0-9.]+/g).map(value => channel(value / 255))
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const opaque = colour => /^rgb\(/.test(colour)
    const behind = element => {
      for (let each = element; each; each = each.parentElement) {
        const rectangle = each.tagName === "g" ? each.querySelector(":scope > rect") : null
        const drawn = rectangle ? getComputedStyle(rectangle).fill : ""
        const filled = each instanceof HTMLElement ? getComputedStyle(each).backgroundColor : ""
        if (opaque(drawn)) return drawn
        if (opaque(filled)) return filled
      }
    }
    const area = element => {
      const {left, top, right, bottom} = element.getBoundingClientRect()
      return [left, top, right, bottom]
    }
    const said = element => element.textContent.trim()
    const all = [...document.querySelectorAll("svg text, h1, h2, p, th, td, span, code")]
    return all.filter(each => said(each) && ![...each.children].some(said)).map(each => {
      const drawn = each.tagName === "text", style = getComputedStyle(each)
      const shades = [light(drawn ? style.fill : style.color), light(behind(each))]
      const [dark, bright] = shades.sort((one, other) => one - other)
      const box = drawn ? each.closest("g")?.querySelector("rect") || each.closest("svg") : document.body
      const matrix = drawn ? each.getScreenCTM() : {a: 1, b: 0}
      return {
        text: each.textContent,
        area: area(each),
        frame: area(box),
        size: parseFloat(style.fontSize) * Math.hypot(matrix.a, matrix.b),
        contrast: (bright + 0.05) / (dark + 0.05),
      }
    })
  },
  boxes: () => Object.fromEntries([...document.querySelectorAll(".map g")].map(group => {
    const {left, top, right, bottom} = group.querySelector("rect").getBoundingClientRect()
    return [group.querySelector("title").textContent, {
      kind: group.className.baseVal,
      area: [left, top, right, bottom],
      texts: [...group.querySelectorAll("text")].map(text => text.textContent),
      marks: [...group.querySelectorAll("path")].map(path => path.className.baseVal),
    }]
  })),
  tables: () => Object.fromEntries([...document.querySelectorAll("h2")].map(heading => {
    const rows = [...heading.nextElementSibling.querySelectorAll("tr")].slice(1)
    const lines = cell => [...cell.querySelectorAll("p")].map(line => line.textContent)
    return [heading.textContent, rows.map(row => [...row.querySelectorAll("td")].map(lines))]
  })),
  arrows: () => [...document.querySelectorAll(".map .arrow")].map(arrow => arrow.textContent),
  width: () => document.documentElement.scrollWidth,
  background: () => getComputedStyle(document.body).backgroundColor,
  mapBottom: () => document.querySelector(".map").getBoundingClientRect().bottom,
})
