// Swagger UI is dark where the root element says so; its own switch is part of a bar that this page has no use for.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// The key is kept for this tab alone, for this service alone, and only where the reader asks for it.
const place = `api-key of ${new URL(".", document.baseURI).pathname}`;
const box = document.getElementById("keep-key");
let key = sessionStorage.getItem(place);
const keep = () => (box.checked && key ? sessionStorage.setItem(place, key) : sessionStorage.removeItem(place));
box.checked = key !== null;
box.addEventListener("change", keep);

const hold = (value) => {
  key = value;
  keep();
};
const listening = {
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (act) => (given) => {
          hold(given.ApiKey?.value ?? key);
          return act(given);
        },
        logout: (act) => (names) => {
          hold(null);
          return act(names);
        },
      },
    },
  },
};

// A list of UUIDs is asked for by a component of its own: to Swagger UI a UUID is a text as others are.
const uuids = (system) => ({
  components: {
    JsonSchema_string_uuid: (given) => system.React.createElement(system.getComponent("JsonSchema_string"), given),
  },
});

const ui = SwaggerUIBundle({
  url: "api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  onComplete: () => key && ui.preauthorizeApiKey("ApiKey", key),
  persistAuthorization: false,
  plugins: [listening, uuids],
  syntaxHighlight: { theme: "tomorrow-night" },
  validatorUrl: null,
});
