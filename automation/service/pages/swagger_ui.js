// Swagger UI is dark where the root element says so; its own switch is part of a bar that this page has no use for.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: "api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  syntaxHighlight: { theme: "tomorrow-night" },
  validatorUrl: null,
});
