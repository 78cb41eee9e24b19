"""The generated clients, in the hands of programs that know nothing but them."""
