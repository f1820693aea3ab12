import "./reusable.js";
import "./serverless_client.js";
