// Returns every visible text whose contrast with what is behind it is less than WCAG 2 asks for (1.4.3, level AA).
async () => {
  await Promise.allSettled(document.getAnimations().map((animation) => animation.finished)); // colours that are on their way
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return [red, green, blue, alpha];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const family = (element) => (element ? [...family(element.parentElement), element] : []);
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const behind = (element) =>
    family(element).reduce((under, each) => over(parse(getComputedStyle(each).backgroundColor), under), canvas);
  const ownText = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join("").trim();
  const isLarge = (style) =>
    parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);

  const faint = [];
  for (const element of document.querySelectorAll("body, body *")) {
    const text = ownText(element) || element.value || "";
    if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const opacity = family(element).reduce((product, each) => product * Number(getComputedStyle(each).opacity), 1);
    const [red, green, blue, alpha] = parse(style.color);
    const back = behind(element);
    const front = over([red, green, blue, alpha * opacity], back);
    const [darker, lighter] = [luminance(front), luminance(back)].sort((one, other) => one - other);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast < (isLarge(style) ? 3 : 4.5)) {
      faint.push(`${element.tagName} ${text.slice(0, 40)}: ${contrast.toFixed(2)}, ${style.color} on ${back}`);
    }
  }
  return [...new Set(faint)];
}
